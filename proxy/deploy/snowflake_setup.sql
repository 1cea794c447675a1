-- What the proxy may do in Snowflake, and nothing else: one role, one service user with a key pair, one small warehouse.
-- Run once as ACCOUNTADMIN, or let each section be run by the role it names. Every statement can be repeated.
-- Replace <...>: the public key, the addresses the proxy calls from. Names are those of proxy/deploy/env.

-- The role -----------------------------------------------------------------------------------------------------------
USE ROLE USERADMIN;
CREATE ROLE IF NOT EXISTS DEVELOPER_CORTEX COMMENT = 'asks Cortex Agents, Search and Analyst, and reads their data';

USE ROLE ACCOUNTADMIN;
-- Every role has this through PUBLIC until somebody revokes it there, which is worth doing.
GRANT DATABASE ROLE SNOWFLAKE.CORTEX_USER TO ROLE DEVELOPER_CORTEX;

USE ROLE SECURITYADMIN;
GRANT USAGE ON DATABASE CORTEX_BENCH_DB TO ROLE DEVELOPER_CORTEX;
GRANT USAGE ON SCHEMA CORTEX_BENCH_DB.SALES TO ROLE DEVELOPER_CORTEX;
GRANT USAGE ON AGENT CORTEX_BENCH_DB.SALES.SALES_AGENT TO ROLE DEVELOPER_CORTEX;
GRANT USAGE ON CORTEX SEARCH SERVICE CORTEX_BENCH_DB.SALES.SALES_DOCS_SVC TO ROLE DEVELOPER_CORTEX;
GRANT SELECT ON SEMANTIC VIEW CORTEX_BENCH_DB.SALES.SALES_SV TO ROLE DEVELOPER_CORTEX;
-- Reading only. The proxy's SQL guard is the second wall; this is the first.
GRANT SELECT ON ALL TABLES IN SCHEMA CORTEX_BENCH_DB.SALES TO ROLE DEVELOPER_CORTEX;
GRANT SELECT ON FUTURE TABLES IN SCHEMA CORTEX_BENCH_DB.SALES TO ROLE DEVELOPER_CORTEX;
GRANT SELECT ON ALL VIEWS IN SCHEMA CORTEX_BENCH_DB.SALES TO ROLE DEVELOPER_CORTEX;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA CORTEX_BENCH_DB.SALES TO ROLE DEVELOPER_CORTEX;

-- The warehouse ------------------------------------------------------------------------------------------------------
USE ROLE SYSADMIN;
CREATE WAREHOUSE IF NOT EXISTS CORTEX_BENCH_WH
  WAREHOUSE_SIZE = XSMALL
  AUTO_SUSPEND = 60
  AUTO_RESUME = TRUE
  INITIALLY_SUSPENDED = TRUE;
ALTER WAREHOUSE CORTEX_BENCH_WH SET
  STATEMENT_TIMEOUT_IN_SECONDS = 120
  STATEMENT_QUEUED_TIMEOUT_IN_SECONDS = 60;

USE ROLE SECURITYADMIN;
GRANT USAGE ON WAREHOUSE CORTEX_BENCH_WH TO ROLE DEVELOPER_CORTEX;

-- The user -----------------------------------------------------------------------------------------------------------
-- A service user has no password and cannot log in to Snowsight. To rotate its key, register the new one as
-- RSA_PUBLIC_KEY_2, give the proxy its private half, then UNSET RSA_PUBLIC_KEY.
USE ROLE USERADMIN;
CREATE USER IF NOT EXISTS CORTEX_PROXY_USER
  TYPE = SERVICE
  DEFAULT_ROLE = DEVELOPER_CORTEX
  DEFAULT_WAREHOUSE = CORTEX_BENCH_WH
  DEFAULT_NAMESPACE = CORTEX_BENCH_DB.SALES
  COMMENT = 'the proxy in front of Cortex Agents';
ALTER USER CORTEX_PROXY_USER SET RSA_PUBLIC_KEY = '<public key: the PEM without its first and last line>';
ALTER USER CORTEX_PROXY_USER SET
  STATEMENT_TIMEOUT_IN_SECONDS = 120
  MULTI_STATEMENT_COUNT = 1;

USE ROLE SECURITYADMIN;
GRANT ROLE DEVELOPER_CORTEX TO USER CORTEX_PROXY_USER;
-- No other role comes with a session, whatever is granted to the user later.
ALTER USER CORTEX_PROXY_USER SET DEFAULT_SECONDARY_ROLES = ();

-- Where it may come from ---------------------------------------------------------------------------------------------
USE ROLE ACCOUNTADMIN;
CREATE DATABASE IF NOT EXISTS SECURITY_DB;
CREATE SCHEMA IF NOT EXISTS SECURITY_DB.NETWORK;
CREATE NETWORK RULE IF NOT EXISTS SECURITY_DB.NETWORK.CORTEX_PROXY_ADDRESSES
  TYPE = IPV4
  MODE = INGRESS
  VALUE_LIST = ('<address the proxy calls from>/32');
CREATE NETWORK POLICY IF NOT EXISTS CORTEX_PROXY_ONLY
  ALLOWED_NETWORK_RULE_LIST = ('SECURITY_DB.NETWORK.CORTEX_PROXY_ADDRESSES');
ALTER USER CORTEX_PROXY_USER SET NETWORK_POLICY = CORTEX_PROXY_ONLY;

-- See that it holds --------------------------------------------------------------------------------------------------
SHOW GRANTS TO ROLE DEVELOPER_CORTEX;  -- USAGE and SELECT, nothing else
SHOW GRANTS TO USER CORTEX_PROXY_USER;  -- DEVELOPER_CORTEX, nothing else
DESCRIBE USER CORTEX_PROXY_USER;  -- RSA_PUBLIC_KEY_FP is the fingerprint of the proxy's key
