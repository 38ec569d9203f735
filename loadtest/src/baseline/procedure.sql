-- The work of one exchange in one call: what the application would do over five or six round trips happens beside the data.
CREATE PROCEDURE exchange(
    IN p_customer BIGINT, IN p_sells TINYINT, IN p_key BINARY(16), IN p_at BIGINT, IN p_date INT,
    IN p_won BIGINT, IN p_usd BIGINT, IN p_limit BIGINT, IN p_head TEXT, IN p_mid TEXT, IN p_tail TEXT)
BEGIN
    DECLARE v_won BIGINT;
    DECLARE v_usd BIGINT;
    DECLARE v_won_version BIGINT;
    DECLARE v_usd_version BIGINT;
    DECLARE v_last INT;
    DECLARE v_day BIGINT;
    DECLARE v_month BIGINT;
    DECLARE v_record BIGINT;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    SELECT amount_minor, version, last_date INTO v_won, v_won_version, v_last FROM balance
        WHERE account = p_customer + 1 AND currency = 'KRW' FOR UPDATE;
    SELECT amount_minor, version INTO v_usd, v_usd_version FROM balance
        WHERE account = p_customer + 2 AND currency = 'USD' FOR UPDATE;
    SELECT day_won, month_won INTO v_day, v_month FROM limit_use WHERE customer = p_customer FOR UPDATE;

    SET v_won = v_won + p_won, v_usd = v_usd + p_usd,
        v_won_version = v_won_version + 1, v_usd_version = v_usd_version + 1;
    IF v_won < 0 OR v_usd < 0 THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'insufficient_funds';
    END IF;
    IF p_sells = 0 THEN
        SET v_day = v_day - p_won, v_month = v_month - p_won;
        IF v_day > p_limit OR v_month > p_limit THEN
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'limit_daily';
        END IF;
        UPDATE limit_use SET charged_at = p_at, day_won = v_day, month_won = v_month WHERE customer = p_customer;
    END IF;

    UPDATE balance SET amount_minor = v_won, version = v_won_version, last_date = GREATEST(v_last, p_date)
        WHERE account = p_customer + 1 AND currency = 'KRW';
    UPDATE balance SET amount_minor = v_usd, version = v_usd_version, last_date = GREATEST(v_last, p_date)
        WHERE account = p_customer + 2 AND currency = 'USD';
    INSERT INTO journal (kind, customer, key_digest, at, business_date, body, hash)
        VALUES ('exchanged', p_customer, p_key, p_at, p_date,
            CONCAT(p_head, v_won, '","version":', v_won_version, p_mid, v_usd, '","version":', v_usd_version, p_tail),
            CONCAT(p_key, p_key));
    SET v_record = LAST_INSERT_ID();
    INSERT INTO passbook (account, version, record, kind, currency, amount_minor, balance_minor, at, business_date)
        VALUES (p_customer + 1, v_won_version, v_record, 1, 'KRW', p_won, v_won, p_at, p_date),
               (p_customer + 2, v_usd_version, v_record, 1, 'USD', p_usd, v_usd, p_at, p_date);
    IF v_last < p_date THEN
        INSERT INTO daily_opening (account, currency, business_date, amount_minor)
            VALUES (p_customer + 1, 'KRW', p_date, v_won - p_won), (p_customer + 2, 'USD', p_date, v_usd - p_usd);
    END IF;
    COMMIT;
END
